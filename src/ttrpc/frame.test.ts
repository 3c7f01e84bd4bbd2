import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAME_TYPE, type Frame, FrameDecoder, HEADER_BYTES, MAX_PAYLOAD_BYTES, writeHeader } from './frame.ts';
import { seededRandom } from './seeded-random.ts';

function frameBytes(streamId: number, payload: Uint8Array, type: number = FRAME_TYPE.request, flags = 0): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(bytes, 0, payload.length, streamId, type, flags);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

function decode(decoder: FrameDecoder, ...chunks: Uint8Array[]): Frame[] {
  const frames: Frame[] = [];
  for (const chunk of chunks) decoder.push(chunk, (frame) => frames.push(frame));
  return frames;
}

const THREE = concat(
  frameBytes(1, new Uint8Array([1, 2, 3])),
  frameBytes(0x01020304, new Uint8Array(0), FRAME_TYPE.data, 5),
  frameBytes(0xfffffffd, new Uint8Array(300).fill(7), FRAME_TYPE.response),
);

function assertThree(frames: Frame[], how: string): void {
  assert.deepEqual(
    frames.map((frame) => [frame.streamId, frame.type, frame.flags, frame.length]),
    [
      [1, 1, 0, 3],
      [0x01020304, 3, 5, 0],
      [0xfffffffd, 2, 0, 300],
    ],
    how,
  );
  assert.deepEqual([...frames[0]!.payload!], [1, 2, 3], how);
  assert.equal(frames[1]!.payload!.length, 0, how);
  assert.ok(
    frames[2]!.payload!.every((byte) => byte === 7),
    how,
  );
}

test('a header is ten bytes, big endian', () => {
  const header = new Uint8Array(HEADER_BYTES);
  writeHeader(header, 0, 0x01020304, 0xa0b0c0d0, 3, 5);
  assert.deepEqual([...header], [1, 2, 3, 4, 0xa0, 0xb0, 0xc0, 0xd0, 3, 5]);
});

test('frames arrive whole wherever the network cuts them', () => {
  for (let cut = 0; cut <= THREE.length; cut++) {
    const decoder = new FrameDecoder();
    assertThree(decode(decoder, THREE.slice(0, cut), THREE.slice(cut)), `cut at ${cut}`);
    assert.equal(decoder.midFrame, false);
  }
});

test('frames arrive whole byte by byte', () => {
  assertThree(decode(new FrameDecoder(), ...[...THREE].map((byte) => new Uint8Array([byte]))), 'byte by byte');
});

test('an end is a loss unless it falls between two frames', () => {
  const ends = new Set([0, 13, 23, THREE.length]);
  for (let cut = 0; cut <= THREE.length; cut++) {
    const decoder = new FrameDecoder();
    decode(decoder, THREE.slice(0, cut));
    assert.equal(decoder.midFrame, !ends.has(cut), `end at ${cut}`);
  }
});

test('a frame of exactly 4 MiB arrives; one of a byte more is named, dropped, and the next one arrives', () => {
  const decoder = new FrameDecoder();
  const [longest] = decode(decoder, frameBytes(1, new Uint8Array(MAX_PAYLOAD_BYTES).fill(9)));
  assert.equal(longest?.payload?.length, MAX_PAYLOAD_BYTES);
  const tooLong = frameBytes(3, new Uint8Array(MAX_PAYLOAD_BYTES + 1).fill(1));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < tooLong.length; at += 65536) chunks.push(tooLong.slice(at, at + 65536));
  const frames = decode(decoder, ...chunks, frameBytes(5, new Uint8Array([42])));
  assert.deepEqual(
    frames.map((frame) => [frame.streamId, frame.length, frame.payload?.length]),
    [
      [3, MAX_PAYLOAD_BYTES + 1, undefined],
      [5, 1, 1],
    ],
  );
});

test('a large payload in small pieces is copied once, not again for each piece', () => {
  const decoder = new FrameDecoder();
  const bytes = frameBytes(1, new Uint8Array(MAX_PAYLOAD_BYTES));
  const frames: Frame[] = [];
  const started = performance.now();
  for (let at = 0; at < bytes.length; at += 512) {
    decoder.push(bytes.subarray(at, at + 512), (frame) => frames.push(frame));
  }
  // 8192 pieces: copying all that came before with each would move 16 GiB, seconds of work.
  assert.ok(performance.now() - started < 1000);
  assert.equal(frames.length, 1);
});

test('whatever bytes come, cut anywhere: the decoder says the same and never throws', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const bytes = new Uint8Array(1 + random(3000)).map(() => random(256));
    // Half of them look like frames at first sight.
    if (seed % 2 === 0) writeHeader(bytes.subarray(0, Math.max(HEADER_BYTES, bytes.length)), 0, random(2000), 1, 1);
    const whole = decode(new FrameDecoder(), bytes.slice());
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random(40);
      pieces.push(bytes.slice(at, at + size));
      at += size;
    }
    assert.deepEqual(decode(new FrameDecoder(), ...pieces), whole, `seed ${seed}`);
  }
});
