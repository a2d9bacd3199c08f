/**
 * Replaces the `graphql` tags of src/ by the files that the compiler generated, when Node.js loads them. In an
 * application, the bundler does this with the same plugin of Babel.
 */
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type InputOptions, transformSync } from '@babel/core';

registerHooks({
  resolve: (specifier, context, next) => next(specifier.endsWith('.graphql') ? `${specifier}.ts` : specifier, context),
  load(url, context, next) {
    const module = next(url, context);
    const source = String(module.source);
    if (url.includes('/node_modules/') || !source.includes('graphql`')) return module;
    const options: InputOptions = {
      filename: fileURLToPath(url),
      cwd: import.meta.dirname,
      configFile: false,
      parserOpts: { plugins: ['typescript'] },
      plugins: [['babel-plugin-relay', { eagerEsModules: true }]],
    };
    return { ...module, source: transformSync(source, options)?.code ?? source };
  },
});
