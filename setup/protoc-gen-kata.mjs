#!/usr/bin/env node
// The protoc plugin behind `npm run generate`: of each .proto file it makes one TypeScript file with an interface and a
// table for src/protocols/codec.ts for each message, constants for each enum, and a definition for each service.
import { readFileSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';

/** @typedef {import('@bufbuild/protobuf/wkt').FileDescriptorProto} File */
/** @typedef {import('@bufbuild/protobuf/wkt').DescriptorProto} Message */
/** @typedef {import('@bufbuild/protobuf/wkt').EnumDescriptorProto} Enum */
/** @typedef {import('@bufbuild/protobuf/wkt').FieldDescriptorProto} Field */
/** @typedef {{ name: string, file: File, entry?: Message }} Known What a full name means: its TypeScript name and home. */

/** codec.ts's letter and TypeScript's type of each kind of field that our protocols use. @type {Record<number, [string, string]>} */
const SCALARS = {
  [Type.STRING]: ['s', 'string'],
  [Type.BYTES]: ['y', 'Uint8Array'],
  [Type.BOOL]: ['b', 'boolean'],
  [Type.DOUBLE]: ['d', 'number'],
  [Type.INT32]: ['i', 'number'],
  [Type.UINT32]: ['u', 'number'],
  [Type.INT64]: ['I', 'bigint'],
  [Type.UINT64]: ['U', 'bigint'],
};
// Paths of source comments, descriptor.proto: the numbers of the fields that lead to a declaration.
const [FILE_MESSAGE, FILE_ENUM, FILE_SERVICE] = [4, 5, 6];
const [MESSAGE_FIELD, MESSAGE_NESTED, MESSAGE_ENUM, SERVICE_METHOD] = [2, 3, 4, 2];

const request = fromBinary(CodeGeneratorRequestSchema, readFileSync(0));
/** @type {Map<string, Known>} */
const known = new Map();
for (const file of request.protoFile) {
  const scope = file.package === '' ? '' : `.${file.package}`;
  for (const one of file.enumType) known.set(`${scope}.${one.name}`, { name: one.name, file });
  for (const one of file.messageType) learn(one, scope, '', file);
}

/** @param {Message} message @param {string} scope @param {string} prefix @param {File} file */
function learn(message, scope, prefix, file) {
  const full = `${scope}.${message.name}`;
  const name = prefix + message.name;
  known.set(full, { name, file, ...(message.options?.mapEntry ? { entry: message } : {}) });
  for (const one of message.enumType) known.set(`${full}.${one.name}`, { name: `${name}_${one.name}`, file });
  for (const one of message.nestedType) learn(one, full, `${name}_`, file);
}

/** @param {string} name As in `container_id`; one without an underscore stays as it is. */
const camelCase = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** One file's text. @param {File} file */
function generate(file) {
  const output = /** @type {string[]} */ ([]);
  /** What is imported: the names by the file they are from. @type {Map<File, Set<string>>} */
  const imports = new Map();
  const usesMessages = file.messageType.length > 0;
  // Comments of files that aren't ours stay theirs.
  const isOurs = !file.name.startsWith('google/');

  /** @param {string} fullName */
  const refer = (fullName) => {
    const found = known.get(fullName);
    if (found === undefined) throw new Error(`${file.name}: ${fullName} is not declared`);
    if (found.file !== file) {
      if (!imports.has(found.file)) imports.set(found.file, new Set());
      imports.get(found.file)?.add(found.name);
    }
    return found;
  };

  /** @param {number[]} path @param {string} indent */
  const comment = (path, indent = '') => {
    const location = file.sourceCodeInfo?.location.find((one) => one.path.join() === path.join());
    const text = location?.leadingComments
      ?.trim()
      .split('\n')
      .map((line) => line.trim())
      .join(' ');
    if (isOurs && text) output.push(`${indent}/** ${text} */`);
  };

  /** The letter and the type of one value. @param {Field} field @returns {[string, string]} */
  const kindOf = (field) => {
    if (field.type === Type.MESSAGE) return ['m', refer(field.typeName).name];
    if (field.type === Type.ENUM) return ['e', refer(field.typeName).name];
    const scalar = SCALARS[field.type];
    if (scalar === undefined)
      throw new Error(`${file.name}: ${field.name}: codec.ts has no kind for ${Type[field.type]}`);
    return scalar;
  };

  /** The table's entry, the property's type, and the message that the value is, if it is one. @param {Field} field */
  const describe = (field) => {
    const entry = field.type === Type.MESSAGE ? known.get(field.typeName)?.entry : undefined;
    const [key, value] = entry?.field ?? [];
    if (entry && key?.type !== Type.STRING)
      throw new Error(`${file.name}: ${field.name}: a map's keys must be strings`);
    const [letter, type] = kindOf(value ?? field);
    const [mark, tsType] = entry
      ? ['%', `{ [key: string]: ${type} }`]
      : field.label === Label.REPEATED
        ? ['*', `${type}[]`]
        : field.proto3Optional
          ? ['?', `${type} | undefined`]
          : ['', letter === 'm' ? `${type} | undefined` : type];
    const name = camelCase(field.name);
    return { name, tsType, entry: `${field.number}:${name}:${letter}${mark}`, message: letter === 'm' ? type : '' };
  };

  /** @param {Enum} one @param {string} name @param {number[]} path */
  const emitEnum = (one, name, path) => {
    output.push('');
    comment(path);
    const values = one.value.map((value) => `${value.name}: ${value.number}`).join(', ');
    output.push(`export const ${name} = { ${values} } as const;`);
    output.push(`export type ${name} = (typeof ${name})[keyof typeof ${name}];`);
  };

  /** @param {Message} message @param {string} name @param {number[]} path */
  const emitMessage = (message, name, path) => {
    if (message.options?.mapEntry) return;
    const fields = message.field.map(describe);
    output.push('');
    comment(path);
    output.push(`export interface ${name} {`);
    for (const [index, field] of fields.entries()) {
      comment([...path, MESSAGE_FIELD, index], '  ');
      output.push(`  ${field.name}: ${field.tsType};`);
    }
    output.push('}');
    const table = fields.map(({ entry }) => entry).join(' ');
    const types = fields.flatMap((field) => (field.message === '' ? [] : [field.message]));
    const given = types.length > 0 ? `, () => [${types.join(', ')}]` : '';
    output.push(`export const ${name}: MessageType<${name}> = /* @__PURE__ */ message('${table}'${given});`);
    for (const [index, one] of message.enumType.entries())
      emitEnum(one, `${name}_${one.name}`, [...path, MESSAGE_ENUM, index]);
    for (const [index, one] of message.nestedType.entries())
      emitMessage(one, `${name}_${one.name}`, [...path, MESSAGE_NESTED, index]);
  };

  for (const [index, one] of file.enumType.entries()) emitEnum(one, one.name, [FILE_ENUM, index]);
  for (const [index, one] of file.messageType.entries()) emitMessage(one, one.name, [FILE_MESSAGE, index]);
  for (const [index, service] of file.service.entries()) {
    output.push('');
    comment([FILE_SERVICE, index]);
    output.push(`export const ${service.name}Definition = {`, `  fullName: '${file.package}.${service.name}',`);
    output.push('  methods: {');
    for (const [at, method] of service.method.entries()) {
      if (method.clientStreaming || method.serverStreaming)
        throw new Error(`${file.name}: ${method.name}: src/ttrpc has no streaming calls`);
      comment([FILE_SERVICE, index, SERVICE_METHOD, at], '    ');
      const [from, to] = [refer(method.inputType).name, refer(method.outputType).name];
      const key = method.name.charAt(0).toLowerCase() + method.name.slice(1);
      output.push(`    ${key}: { name: '${method.name}', requestType: ${from}, responseType: ${to} },`);
    }
    output.push('  },', '} as const;', `export type ${service.name}Definition = typeof ${service.name}Definition;`);
  }

  const up = '../'.repeat(file.name.split('/').length - 1);
  const head = [`// Made of ${file.name} by \`npm run generate\`. Do not edit.`];
  if (usesMessages) head.push(`import { type MessageType, message } from '../${up}codec.ts';`);
  for (const [from, names] of [...imports].sort(([a], [b]) => (a.name < b.name ? -1 : 1))) {
    const path = up === '' ? `./${from.name}` : up + from.name;
    head.push(`import { ${[...names].sort().join(', ')} } from '${path.replace(/\.proto$/, '.ts')}';`);
  }
  return `${[...head, ...output].join('\n')}\n`;
}

const wanted = new Set(request.fileToGenerate);
const file = request.protoFile
  .filter(({ name }) => wanted.has(name))
  .map((one) => ({ name: one.name.replace(/\.proto$/, '.ts'), content: generate(one) }));
const supportedFeatures = BigInt(CodeGeneratorResponse_Feature.PROTO3_OPTIONAL);
process.stdout.write(
  toBinary(CodeGeneratorResponseSchema, create(CodeGeneratorResponseSchema, { file, supportedFeatures })),
);
