import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import QRCode from 'qrcode';
import { renderQrCode } from './render-qr-code.ts';

/** The decoder that the library brings along for its own images. */
interface Png {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}
const fromLibrary = createRequire(createRequire(import.meta.url).resolve('qrcode'));
const { PNG } = fromLibrary('pngjs') as { PNG: { sync: { read(image: Buffer): Png } } };

test.each(['BK20270104-7K3Q9D', `HF1.abcdefgh.${'A'.repeat(140)}.${'B'.repeat(86)}`, 'Grüße, 座席 A-12'])(
  'each pixel is the one of the library’s own picture: %s',
  async (text) => {
    const ours = PNG.sync.read(await renderQrCode(text));
    const theirs = PNG.sync.read(
      await QRCode.toBuffer([{ data: Buffer.from(text), mode: 'byte' }], {
        type: 'png',
        errorCorrectionLevel: 'M',
        margin: 4,
        scale: 4,
      }),
    );
    expect([ours.width, ours.height]).toEqual([theirs.width, theirs.height]);
    expect(ours.data.equals(theirs.data)).toBe(true);
  },
);
