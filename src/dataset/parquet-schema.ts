import type { SchemaElement } from 'hyparquet';

/** A column of text as a Parquet schema says it. */
export function textColumn(name: string): SchemaElement {
  return {
    name,
    type: 'BYTE_ARRAY',
    converted_type: 'UTF8',
    logical_type: { type: 'STRING' },
    repetition_type: 'OPTIONAL',
  };
}

/** A list column as other writers make it: `name.list.element`. */
export function textListColumn(name: string): SchemaElement[] {
  return [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    textColumn('element'),
  ];
}
