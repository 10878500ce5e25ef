/** A WAV file of 16-bit PCM from samples of -1 to 1; what is beyond is clipped. All channels have the same length. */
export function writeWav(channels: readonly Float32Array[], sampleRateHz: number): Uint8Array {
  const frames = channels[0]?.length ?? 0;
  const bytesPerFrame = 2 * channels.length;
  const wav = Buffer.alloc(44 + frames * bytesPerFrame);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(channels.length, 22);
  wav.writeUInt32LE(sampleRateHz, 24);
  wav.writeUInt32LE(sampleRateHz * bytesPerFrame, 28);
  wav.writeUInt16LE(bytesPerFrame, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36, 'latin1');
  wav.writeUInt32LE(frames * bytesPerFrame, 40);
  // A view writes several times as fast as the methods of a buffer.
  const view = new DataView(wav.buffer, wav.byteOffset, wav.length);
  channels.forEach((channel, index) => {
    for (let frame = 0, at = 44 + 2 * index; frame < frames; frame++, at += bytesPerFrame) {
      const sample = Math.max(-1, Math.min(1, channel[frame]!));
      view.setInt16(at, Math.round(sample * 32767), true);
    }
  });
  return wav;
}

const FORMAT_FLOAT = 3;
/** What is there before the samples of a file that is not of integers: its `fmt ` has an extension, and a `fact`. */
const FLOAT_HEADER_BYTES = 58;

/** A WAV file of 32-bit floating point: samples as they are, also beyond full scale. */
export function writeFloatWav(channels: readonly Float32Array[], sampleRateHz: number): Uint8Array {
  const frames = channels[0]?.length ?? 0;
  const bytesPerFrame = 4 * channels.length;
  const wav = Buffer.alloc(FLOAT_HEADER_BYTES + frames * bytesPerFrame);
  wav.write('RIFF', 0, 'latin1');
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8, 'latin1');
  wav.writeUInt32LE(18, 16);
  wav.writeUInt16LE(FORMAT_FLOAT, 20);
  wav.writeUInt16LE(channels.length, 22);
  wav.writeUInt32LE(sampleRateHz, 24);
  wav.writeUInt32LE(sampleRateHz * bytesPerFrame, 28);
  wav.writeUInt16LE(bytesPerFrame, 32);
  wav.writeUInt16LE(32, 34);
  wav.write('fact', 38, 'latin1');
  wav.writeUInt32LE(4, 42);
  wav.writeUInt32LE(frames, 46);
  wav.write('data', 50, 'latin1');
  wav.writeUInt32LE(frames * bytesPerFrame, 54);
  let at = FLOAT_HEADER_BYTES;
  for (let frame = 0; frame < frames; frame++) {
    for (const channel of channels) at = wav.writeFloatLE(channel[frame]!, at);
  }
  return wav;
}
