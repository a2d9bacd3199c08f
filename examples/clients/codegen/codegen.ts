import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../../schema.graphql',
  documents: 'src/*.ts',
  generates: {
    'src/generated/': {
      preset: 'client',
      presetConfig: {
        fragmentMasking: false,
        // Writes persisted-documents.json, and puts the hash of each document into `__meta__`.
        persistedDocuments: { hashAlgorithm: 'sha256', hashPropertyName: 'documentId' },
      },
      config: {
        // The types of the custom scalars in JSON. Without them, they are `unknown`.
        scalars: { DateTime: 'string', JSON: 'unknown' },
        // Reads @semanticNonNull: fields that are null only together with an error are not null, because `execute` throws.
        nullability: { errorHandlingClient: true },
        documentMode: 'string',
        enumType: 'string-literal',
        useTypeImports: true,
        importExtension: '.ts',
      },
    },
  },
};

export default config;
