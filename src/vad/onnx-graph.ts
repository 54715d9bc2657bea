/**
 * As much of ONNX's file format as taking the weights out of one graph and writing them into another needs. Message and
 * field numbers are those of onnx.proto (onnx/onnx, IR version 8).
 */
import { PbfReader, PbfWriter } from 'pbf';

/** Element types of `TensorProto.DataType`. */
export const ELEMENT = { float32: 1, int32: 6, int64: 7 } as const;
export type ElementType = keyof typeof ELEMENT;

/** A constant of a graph: little-endian bytes, as every file holds them. */
export interface Constant {
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

export type Attributes = Readonly<Record<string, string | number | readonly number[]>>;

/**
 * The float32 constants of each branch of a model's `If` nodes, by the name of what they give.
 * @throws Error of bytes that are no such file
 */
export function constantsOfBranches(model: Uint8Array): Map<string, Constant>[] {
  const found: Map<string, Constant>[] = [];
  fields(model, 7, (graph) =>
    fields(graph, 1, (node) => {
      if (strings(node, 4)[0] !== 'If') return;
      fields(node, 5, (attribute) => fields(attribute, 6, (branch) => found.push(constantsOf(branch))));
    }),
  );
  return found;
}

function constantsOf(graph: Uint8Array): Map<string, Constant> {
  const found = new Map<string, Constant>();
  fields(graph, 1, (node) => {
    const [output] = strings(node, 2);
    fields(node, 5, (attribute) =>
      fields(attribute, 5, (tensor) => {
        if (output !== undefined) found.set(output, tensorOf(tensor));
      }),
    );
  });
  return found;
}

function tensorOf(message: Uint8Array): Constant {
  const dims: number[] = [];
  let bytes = new Uint8Array();
  new PbfReader(message).readFields((tag: number, _: undefined, reader: PbfReader) => {
    if (tag === 1) reader.readPackedVarint(dims);
    if (tag === 9) bytes = Uint8Array.from(reader.readBytes());
  }, undefined);
  return { type: 'float32', dims, bytes };
}

/** Calls back with the bytes of every field of this number. */
function fields(message: Uint8Array, number: number, take: (bytes: Uint8Array) => void): void {
  new PbfReader(message).readFields((tag: number, _: undefined, reader: PbfReader) => {
    if (tag === number) take(reader.readBytes());
  }, undefined);
}

function strings(message: Uint8Array, number: number): string[] {
  const found: string[] = [];
  fields(message, number, (bytes) => found.push(new TextDecoder().decode(bytes)));
  return found;
}

/** Writes a graph, node after node in the order in which they run, and the model around it. */
export class GraphWriter {
  private readonly graph = new PbfWriter();

  node(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Attributes = {},
  ): void {
    this.graph.writeMessage(
      1,
      (_, node) => {
        for (const name of inputs) node.writeStringField(1, name);
        for (const name of outputs) node.writeStringField(2, name);
        node.writeStringField(4, operator);
        for (const [name, value] of Object.entries(attributes)) {
          node.writeMessage(5, (_, attribute) => writeAttribute(attribute, name, value), undefined);
        }
      },
      undefined,
    );
  }

  constant(name: string, { type, dims, bytes }: Constant): void {
    this.graph.writeMessage(
      5,
      (_, tensor) => {
        for (const length of dims) tensor.writeVarintField(1, length);
        tensor.writeVarintField(2, ELEMENT[type]);
        tensor.writeStringField(8, name);
        tensor.writeBytesField(9, bytes);
      },
      undefined,
    );
  }

  /** @param shape a number is fixed, a name an axis of any length */
  input(name: string, type: ElementType, shape: readonly (number | string)[]): void {
    this.graph.writeMessage(11, (_, value) => writeValue(value, name, type, shape), undefined);
  }

  output(name: string, type: ElementType, shape: readonly (number | string)[]): void {
    this.graph.writeMessage(12, (_, value) => writeValue(value, name, type, shape), undefined);
  }

  /** @returns the model's file, operators of version 17 */
  finish(name: string): Uint8Array {
    this.graph.writeStringField(2, name);
    const model = new PbfWriter();
    model.writeVarintField(1, 8);
    model.writeBytesField(7, this.graph.finish());
    model.writeMessage(8, (_, operators) => operators.writeVarintField(2, 17), undefined);
    return model.finish();
  }
}

function writeAttribute(into: PbfWriter, name: string, value: Attributes[string]): void {
  into.writeStringField(1, name);
  if (typeof value === 'number') {
    into.writeVarintField(3, value);
    into.writeVarintField(20, 2);
  } else if (typeof value === 'string') {
    into.writeBytesField(4, new TextEncoder().encode(value));
    into.writeVarintField(20, 3);
  } else {
    for (const one of value) into.writeVarintField(8, one);
    into.writeVarintField(20, 7);
  }
}

function writeValue(
  into: PbfWriter,
  name: string,
  type: ElementType,
  shape: readonly (number | string)[],
): void {
  into.writeStringField(1, name);
  const axis = (length: number | string, dimension: PbfWriter): void => {
    if (typeof length === 'number') dimension.writeVarintField(1, length);
    else dimension.writeStringField(2, length);
  };
  const dimensions = (_: undefined, all: PbfWriter): void => {
    for (const length of shape) all.writeMessage(1, axis, length);
  };
  const tensor = (_: undefined, of: PbfWriter): void => {
    of.writeVarintField(1, ELEMENT[type]);
    of.writeMessage(2, dimensions, undefined);
  };
  into.writeMessage(2, (_, kind) => kind.writeMessage(1, tensor, undefined), undefined);
}
