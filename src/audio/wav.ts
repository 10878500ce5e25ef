/**
 * Reads what a RIFF/WAVE file says about itself, from its bytes.
 * Format: Microsoft/IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991) and the
 * WAVEFORMATEXTENSIBLE addition.
 */
export interface AudioFacts {
  readonly durationSeconds: number;
  readonly sampleRateHz: number;
  readonly channels: number;
  /** As in `Content-Type`. */
  readonly mediaType: 'audio/wav';
  /** Sample encoding in ffmpeg's naming: `pcm_s16le`, `pcm_f32le` ... */
  readonly encoding: string;
}

/** The bytes are not audio that can be served. The message says why. */
export class AudioFormatError extends Error {
  override readonly name = 'AudioFormatError';
}

const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;

/** @throws AudioFormatError for anything but a complete WAV file with integer or float PCM. */
export function readWavFacts(bytes: Uint8Array): AudioFacts {
  if (bytes.length === 0) throw new AudioFormatError('audio of zero bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') {
    throw new AudioFormatError('not a WAV file (no RIFF/WAVE header)');
  }

  let format: WavFormat | null = null;
  for (let at = 12; at + 8 <= bytes.length;) {
    const size = view.getUint32(at + 4, true);
    const body = at + 8;
    switch (tag(at)) {
      case 'fmt ':
        format = readFormat(view, body, size);
        break;
      case 'data': {
        if (!format) throw new AudioFormatError('WAV without a fmt chunk before its data');
        if (body + size > bytes.length) {
          throw new AudioFormatError(`truncated WAV: ${bytes.length - body} of ${size} data bytes`);
        }
        const frames = Math.floor(size / format.bytesPerFrame);
        if (frames === 0) throw new AudioFormatError('WAV with no audio in it');
        return {
          durationSeconds: frames / format.sampleRateHz,
          sampleRateHz: format.sampleRateHz,
          channels: format.channels,
          mediaType: 'audio/wav',
          encoding: format.encoding,
        };
      }
    }
    // Chunks are padded to even sizes.
    at = body + size + (size & 1);
  }
  throw new AudioFormatError('truncated WAV: no data chunk');
}

interface WavFormat {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly bytesPerFrame: number;
  readonly encoding: string;
}

function readFormat(view: DataView, body: number, size: number): WavFormat {
  if (size < 16 || body + size > view.byteLength) throw new AudioFormatError('truncated WAV: broken fmt chunk');
  let code = view.getUint16(body, true);
  const channels = view.getUint16(body + 2, true);
  const sampleRateHz = view.getUint32(body + 4, true);
  const bitsPerSample = view.getUint16(body + 14, true);
  // The extensible header keeps the real format code at the head of its sub-format GUID.
  if (code === FORMAT_EXTENSIBLE && size >= 40) code = view.getUint16(body + 24, true);
  const encoding = encodingName(code, bitsPerSample);
  if (!encoding) throw new AudioFormatError(`WAV with unsupported encoding (format ${code}, ${bitsPerSample} bits)`);
  if (channels === 0 || sampleRateHz === 0) throw new AudioFormatError('WAV with no channels or no sample rate');
  return { sampleRateHz, channels, bytesPerFrame: channels * (bitsPerSample / 8), encoding };
}

function encodingName(code: number, bits: number): string | null {
  if (code === FORMAT_PCM && bits === 8) return 'pcm_u8';
  if (code === FORMAT_PCM && [16, 24, 32].includes(bits)) return `pcm_s${bits}le`;
  if (code === FORMAT_FLOAT && [32, 64].includes(bits)) return `pcm_f${bits}le`;
  return null;
}
