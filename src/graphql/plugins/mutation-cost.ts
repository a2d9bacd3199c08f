/** Gives every mutation a cost, so that none can be multiplied by aliases because somebody forgot to limit it. */
import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import { mutationCost } from './limits.ts';

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      mutationCost: MutationCostPlugin<Types>;
    }
  }
}

export class MutationCostPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(fieldConfig: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const { kind, pothosOptions } = fieldConfig;
    if (kind !== 'Mutation' || pothosOptions.complexity !== undefined) return fieldConfig;
    // The complexity plugin is listed before this one, and so reads the options after it.
    return { ...fieldConfig, pothosOptions: { ...pothosOptions, complexity: mutationCost as never } };
  }
}

const pluginName = 'mutationCost' as const;

SchemaBuilder.registerPlugin(pluginName, MutationCostPlugin);

export const MutationCostPluginName = pluginName;
