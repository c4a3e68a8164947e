//! JPEG, baseline and progressive, gray or with three colors.

use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::{MAX_SIDE, Pixels};

/// Passes over the image that a progressive file may ask for; ten are usual.
const MAX_SCANS: usize = 64;

/// Whether a file says that it is a JPEG.
pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xd8\xff")
}

/// A file of which the header alone was read.
pub(super) struct Opened<'a> {
    decoder: JpegDecoder<ZCursor<&'a [u8]>>,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl<'a> Opened<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, String> {
        let options = DecoderOptions::default()
            .set_max_width(MAX_SIDE)
            .set_max_height(MAX_SIDE)
            // Without it, what is missing of an image becomes gray.
            .set_strict_mode(true)
            .jpeg_set_max_scans(MAX_SCANS);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(|error| error.to_string())?;
        let (channels, colors) = match decoder.input_colorspace() {
            Some(ColorSpace::Luma) => (1, ColorSpace::Luma),
            Some(ColorSpace::YCbCr | ColorSpace::RGB) => (3, ColorSpace::RGB),
            Some(ColorSpace::CMYK | ColorSpace::YCCK) => {
                return Err("colors for print (CMYK); convert it to RGB".to_owned());
            }
            _ => return Err("neither gray nor of three colors; convert it to RGB".to_owned()),
        };
        decoder.set_options(options.jpeg_set_out_colorspace(colors));
        let (width, height) = decoder.dimensions().ok_or("no header")?;
        Ok(Self { decoder, height, width, channels })
    }

    /// Decodes an image whose height and width the caller has found small enough.
    pub(super) fn decode(mut self) -> Result<Pixels, String> {
        let values = self.decoder.decode().map_err(|error| error.to_string())?;
        let Self { height, width, channels, .. } = self;
        match values.len() == height * width * channels {
            true => Ok(Pixels { height, width, channels, values }),
            false => Err("its pixels are not those of its header".to_owned()),
        }
    }
}
