import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';
import QRCode from 'qrcode';

/** Pixels a module, and modules of white around the code (the standard asks for four). */
const SCALE = 4;
const MARGIN = 4;

const compress = promisify(deflate);

/**
 * A QR code as PNG with four pixels a module, each alike: a signed ticket has some 70 modules a side, and they must stay readable on
 * a phone's screen and on paper. The library finds the modules; its own images have four bytes a pixel, which takes five times as
 * long as everything else about a mail.
 */
export async function renderQrCode(text: string): Promise<Buffer> {
  // Said, not looked for: of a ticket's mixed text the library's search for shorter modes takes as long as the drawing and finds none.
  const segments = [{ data: Buffer.from(text), mode: 'byte' as const }];
  const { modules } = QRCode.create(segments, { errorCorrectionLevel: 'M' });
  const side = (modules.size + 2 * MARGIN) * SCALE;
  const bytesPerRow = 1 + Math.ceil(side / 8);
  // White is 1; each row begins with the number of its filter, which is none.
  const pixels = Buffer.alloc(bytesPerRow * side, 0xff);
  for (let y = 0; y < side; y += 1) pixels[y * bytesPerRow] = 0;
  for (let row = 0; row < modules.size; row += 1) {
    const first = (row + MARGIN) * SCALE * bytesPerRow;
    for (let column = 0; column < modules.size; column += 1) {
      if (modules.get(row, column)) blacken(pixels, first + 1, (column + MARGIN) * SCALE);
    }
    for (let y = 1; y < SCALE; y += 1) pixels.copy(pixels, first + y * bytesPerRow, first, first + bytesPerRow);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  // One bit a pixel, in shades of grey, compressed and filtered as PNG knows it, not interlaced.
  header[8] = 1;
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', await compress(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function blacken(pixels: Buffer, row: number, x: number): void {
  for (let pixel = x; pixel < x + SCALE; pixel += 1) pixels[row + (pixel >> 3)]! &= ~(0x80 >> (pixel & 7));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
