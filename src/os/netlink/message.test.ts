import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatenate } from '../bytes.ts';
import { AttributeWriter } from './attribute.ts';
import { decodeMessages, decodeOutcome, encodeMessage, NLM_F, NLMSG } from './message.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('a message is its header and its payload, filled up to four bytes', () => {
  const bytes = encodeMessage(18, NLM_F.REQUEST | NLM_F.DUMP, 0x01020304, Uint8Array.of(1, 2, 3, 4, 5));
  assert.equal(hex(bytes), `${'15000000 1200 0103 04030201 00000000'.replaceAll(' ', '')}0102030405000000`);
});

test('several messages of one datagram are read, and the fill between them is not payload', () => {
  const messages = decodeMessages(
    concatenate([
      encodeMessage(16, NLM_F.MULTI, 7, Uint8Array.of(1)),
      encodeMessage(NLMSG.DONE, 0, 7, new Uint8Array(4)),
    ]),
  );
  assert.deepEqual(
    messages.map(({ type, flags, sequence, payload }) => [type, flags, sequence, hex(payload)]),
    [
      [16, 2, 7, '01'],
      [3, 0, 7, '00000000'],
    ],
  );
});

test('a message longer or shorter than it can be is refused', () => {
  for (const length of [15, 17, 0, 0xffffffff]) {
    const bytes = encodeMessage(16, 0, 1, new Uint8Array(0));
    new DataView(bytes.buffer).setUint32(0, length, true);
    assert.throws(() => decodeMessages(bytes), { code: 'data-loss' });
  }
});

const outcomeOf = (flags: number, errno: number, ...rest: Uint8Array[]) => {
  const number = new Uint8Array(new Int32Array([-errno]).buffer);
  return decodeOutcome({ type: NLMSG.ERROR, flags, sequence: 1, payload: concatenate([number, ...rest]) });
};

test("the kernel's no is its errno and its own words, whether or not it repeats the request", () => {
  const words = new AttributeWriter().u32(2, 40).string(1, 'Invalid prefix').encoded();
  const request = encodeMessage(24, 0, 1, new Uint8Array(13));
  assert.deepEqual(outcomeOf(NLM_F.CAPPED | NLM_F.ACK_TLVS, 22, request.subarray(0, 16), words), {
    errno: 22,
    said: 'Invalid prefix',
  });
  assert.deepEqual(outcomeOf(NLM_F.ACK_TLVS, 22, request, words), { errno: 22, said: 'Invalid prefix' });
  assert.deepEqual(outcomeOf(NLM_F.CAPPED, 2, request.subarray(0, 16)), { errno: 2, said: undefined });
  assert.deepEqual(outcomeOf(NLM_F.CAPPED, 0, request.subarray(0, 16)), { errno: 0, said: undefined });
});

test('the end of a listing may be a failure as well', () => {
  const payload = new Uint8Array(new Int32Array([-4]).buffer);
  assert.deepEqual(decodeOutcome({ type: NLMSG.DONE, flags: NLM_F.MULTI, sequence: 1, payload }), {
    errno: 4,
    said: undefined,
  });
  const empty = { type: NLMSG.DONE, flags: NLM_F.MULTI, sequence: 1, payload: new Uint8Array(0) };
  assert.equal(decodeOutcome(empty).errno, 0);
});
