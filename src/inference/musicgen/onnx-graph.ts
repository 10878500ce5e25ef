import protobuf from 'protobufjs';
import { toFloat16 } from './float16';

/**
 * Writes ONNX models: nodes are added one by one, each gives the name of its output, and what is wrong with a graph
 * shows when a session is made of it.
 * Format: the protobuf schema of ONNX (onnx/onnx.proto, IR version 10); of it only what is used here.
 */
const schema = protobuf
  .parse(
    `
  syntax = "proto3";
  message StringStringEntry { string key = 1; string value = 2; }
  message Tensor {
    repeated int64 dims = 1;
    int32 dataType = 2;
    string name = 8;
    bytes rawData = 9;
    repeated StringStringEntry externalData = 13;
    int32 dataLocation = 14;
  }
  message Dimension { oneof value { int64 dimValue = 1; string dimParam = 2; } }
  message TensorShape { repeated Dimension dim = 1; }
  message TensorType { int32 elemType = 1; TensorShape shape = 2; }
  message Type { TensorType tensorType = 1; }
  message ValueInfo { string name = 1; Type type = 2; }
  message Attribute {
    string name = 1; float f = 2; int64 i = 3; bytes s = 4; Graph g = 6;
    repeated float floats = 7; repeated int64 ints = 8; int32 type = 20;
  }
  message Node {
    repeated string input = 1; repeated string output = 2; string name = 3; string opType = 4;
    repeated Attribute attribute = 5; string domain = 7;
  }
  message Graph {
    repeated Node node = 1; string name = 2; repeated Tensor initializer = 5;
    repeated ValueInfo input = 11; repeated ValueInfo output = 12;
  }
  message OperatorSet { string domain = 1; int64 version = 2; }
  message Model { int64 irVersion = 1; string producerName = 2; Graph graph = 7; repeated OperatorSet opsetImport = 8; }
`,
  )
  .root.lookupType('Model');

const IR_VERSION = 10;
const OPSET = 21;
/** Operators of ONNX Runtime's own, of which the quantised product of matrices is one. */
export const MICROSOFT = 'com.microsoft';

/** Element types, with their numbers in the format. */
const ELEMENT_TYPES = { float32: 1, uint8: 2, int8: 3, int64: 7, bool: 9, float16: 10 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

const ATTRIBUTE_TYPES = { f: 1, i: 2, s: 3, g: 5, floats: 6, ints: 7 } as const;
const EXTERNAL = 1;

/** Dimensions; a name stands for a size that is not known yet. */
export type Shape = readonly (number | string)[];

/** Bytes in a file beside the model. */
export interface StoredTensor {
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Name of the file, in the directory of the model. */
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** An integer attribute is a number; one that is a float says so. */
export type AttributeValue = number | string | readonly number[] | { readonly float: number } | Graph;

interface NodeOptions {
  readonly domain?: string;
}

/** What a loop carries from one turn to the next; its shape may change. */
export interface Carried {
  readonly type: ElementType;
  readonly first: Value;
}

/** What a turn of a loop gives. */
export interface Turn {
  /** What is carried to the next turn, in the order in which it came. */
  readonly next: readonly Value[];
  /** Of the same shape in every turn. */
  readonly told: readonly { readonly type: ElementType; readonly value: Value }[];
}

/** The name of a value: an input, a weight, or what a node gives. */
export type Value = string;

export class Graph {
  private readonly nodes: object[] = [];
  private readonly initializers: object[] = [];
  private readonly inputs: object[] = [];
  private readonly outputs: object[] = [];
  private readonly constants = new Map<string, Value>();
  private readonly names: { next: number };

  /** @param outer the graph whose values this one, the body of a loop in it, can use */
  constructor(
    readonly name: string,
    private readonly outer: Graph | null = null,
  ) {
    this.names = outer?.names ?? { next: 0 };
  }

  input(name: string, type: ElementType, shape?: Shape): Value {
    this.inputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** Gives a value out under a name of its own. */
  output(name: string, value: Value, type: ElementType, shape: Shape): void {
    this.nodes.push({ opType: 'Identity', input: [value], output: [name], name: `give ${name}` });
    this.result(name, type, shape);
  }

  /** Gives out what a node of this graph has made, as the body of a loop does: by its place, not by its name. */
  result(value: Value, type: ElementType, shape?: Shape): void {
    this.outputs.push(valueInfo(value, type, shape));
  }

  /** A node of one output. Inputs that are left out are ''. */
  node(
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    options: NodeOptions = {},
  ): Value {
    return this.nodeOf(1, opType, inputs, attributes, options)[0]!;
  }

  /** A node of several outputs. */
  nodeOf(
    outputs: number,
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    { domain = '' }: NodeOptions = {},
  ): Value[] {
    const name = `${opType}_${this.names.next++}`;
    const output = Array.from({ length: outputs }, (_, i) => (outputs === 1 ? name : `${name}:${i}`));
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.nodes.push({ opType, input: inputs, output, name, attribute, domain });
    return output;
  }

  /**
   * A loop. Not for the body of another: ONNX Runtime (1.30) packs weights for a graph and the bodies right in it, and
   * those that are not packed take twice the time in 32 bits, twenty times in four.
   * @param turns int64 [1]: how many
   * @param write writes a turn into the graph that it gets, from the turn's number, an int64 scalar, and what is carried
   * @returns what was carried last, then what the turns have told, [turns, ...]
   */
  loop(
    turns: Value,
    carried: readonly Carried[],
    write: (body: Graph, turn: Value, carried: readonly Value[]) => Turn,
  ): Value[] {
    const number = this.names.next++;
    const body = new Graph(`turn_${number}`, this);
    const turn = body.input(`turn_${number}:number`, 'int64', []);
    const goesOn = body.input(`turn_${number}:goes_on`, 'bool', []);
    const came = carried.map(({ type }, i) => body.input(`turn_${number}:${i}`, type));
    const { next, told } = write(body, turn, came);
    body.result(body.node('Identity', [goesOn]), 'bool', []);
    next.forEach((value, i) => body.result(value, carried[i]!.type));
    told.forEach(({ type, value }) => body.result(value, type));
    const inputs = [this.node('Squeeze', [turns]), '', ...carried.map(({ first }) => first)];
    return this.nodeOf(carried.length + told.length, 'Loop', inputs, { body });
  }

  /** A weight that stays in its file. Belongs to the outermost graph, where every loop sees it. */
  stored(tensor: StoredTensor): Value {
    return this.outer ? this.outer.stored(tensor) : this.storedHere(tensor);
  }

  /** A weight that this graph alone sees: ONNX Runtime rewrites weights only where they stand beside their nodes. */
  storedHere(tensor: StoredTensor): Value {
    const { type, shape, file, offset, length } = tensor;
    return this.constant(`${file}@${offset}:${shape.join('x')}`, {
      dims: shape,
      dataType: ELEMENT_TYPES[type],
      dataLocation: EXTERNAL,
      externalData: Object.entries({ location: file, offset, length }).map(([key, value]) => ({
        key,
        value: String(value),
      })),
    });
  }

  /** @param shape by default that of a list; [] is a scalar */
  ints(values: readonly number[], shape: readonly number[] = [values.length]): Value {
    const raw = new BigInt64Array(values.map((value) => BigInt(value)));
    return this.small('int64', `${values.join()}`, raw, shape);
  }

  floats(values: readonly number[], shape: readonly number[] = [values.length]): Value {
    return this.small('float32', `${values.join()}`, new Float32Array(values), shape);
  }

  bytes(values: readonly number[]): Value {
    return this.small('uint8', values.join(), Uint8Array.from(values), [values.length]);
  }

  /** For this graph alone, as `storedHere` is, and for one node: what has been rewritten must not be met again. */
  signedBytesHere(values: readonly number[], dims: readonly number[] = [values.length]): Value {
    const rawData = new Uint8Array(Int8Array.from(values).buffer);
    return this.initializer({ dims, dataType: ELEMENT_TYPES.int8, rawData });
  }

  /** A scalar of 16 bits. */
  halfFloat(value: number): Value {
    return this.small('float16', `${value}`, toFloat16(Float32Array.of(value)), []);
  }

  /** The model as a file, of which this graph is the outermost. */
  toModel(): Uint8Array {
    return schema
      .encode(
        schema.fromObject({
          irVersion: IR_VERSION,
          producerName: 'conceptcaps',
          graph: this.toObject(),
          opsetImport: [
            { domain: '', version: OPSET },
            { domain: MICROSOFT, version: 1 },
          ],
        }),
      )
      .finish();
  }

  toObject(): object {
    const { name, nodes, initializers, inputs, outputs } = this;
    return { name, node: nodes, initializer: initializers, input: inputs, output: outputs };
  }

  private small(type: ElementType, key: string, raw: ArrayBufferView, shape: readonly number[]): Value {
    if (this.outer) return this.outer.small(type, key, raw, shape);
    const rawData = new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
    return this.constant(`${type}[${shape.join()}]=${key}`, { dims: shape, dataType: ELEMENT_TYPES[type], rawData });
  }

  private constant(key: string, tensor: object): Value {
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = this.initializer(tensor);
    this.constants.set(key, name);
    return name;
  }

  private initializer(tensor: object): Value {
    const name = `constant_${this.names.next++}`;
    this.initializers.push({ ...tensor, name });
    return name;
  }
}

/** @param shape left out where it is not known how many dimensions there are */
function valueInfo(name: string, type: ElementType, shape?: Shape): object {
  const dim = shape?.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: ELEMENT_TYPES[type], ...(dim && { shape: { dim } }) } } };
}

function attributeOf(name: string, value: AttributeValue): object {
  if (value instanceof Graph) return { name, type: ATTRIBUTE_TYPES.g, g: value.toObject() };
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPES.i, i: value };
  if (typeof value === 'string') return { name, type: ATTRIBUTE_TYPES.s, s: Buffer.from(value) };
  if ('float' in value) return { name, type: ATTRIBUTE_TYPES.f, f: value.float };
  return { name, type: ATTRIBUTE_TYPES.ints, ints: value };
}
