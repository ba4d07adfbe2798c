import QRCode from 'qrcode';

/** A QR code as PNG, some 250 pixels wide: it stays readable on a phone's screen and on paper. */
export function renderQrCode(text: string): Promise<Buffer> {
  return QRCode.toBuffer(text, { type: 'png', errorCorrectionLevel: 'M', margin: 2, width: 256 });
}
