import QRCode from 'qrcode';

/**
 * A QR code as PNG with four pixels a module, each alike: a signed ticket has some 70 modules a side, and they must stay readable on
 * a phone's screen and on paper.
 */
export function renderQrCode(text: string): Promise<Buffer> {
  return QRCode.toBuffer(text, { type: 'png', errorCorrectionLevel: 'M', margin: 4, scale: 4 });
}
