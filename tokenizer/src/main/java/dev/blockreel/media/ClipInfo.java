package dev.blockreel.media;

/**
 * What a file says about itself before it is decoded.
 *
 * @param width W in pixels, as stored (before any rotation mark)
 * @param height H in pixels
 * @param fps average frames per second; 0 where the file has no rate (images, folders, tensors)
 * @param frames how many frames, or -1 where only decoding would tell
 * @param codec FFmpeg's name of the codec, {@code safetensors} for tensor files
 */
public record ClipInfo(int width, int height, double fps, int frames, String codec) {}
