package dev.blockreel.failure;

/** What went wrong, in the few words that a program can act on. */
public enum FailureCode {
  /** A checkpoint lacks tensors, has unexpected ones, or has some of another shape. */
  CHECKPOINT_MISMATCH,
  /** A checkpoint asks for code to be run, or is built to harm its reader. */
  UNSAFE_CHECKPOINT,
  /** A thing that exists but that this engine, build or machine does not do. */
  UNSUPPORTED,
  /** A wrong option, value, name or combination given by the user. */
  BAD_REQUEST,
  /** A clip, image or tensor file that cannot be read or written. */
  MEDIA,
  /** Not enough memory on the device or the host. */
  OUT_OF_MEMORY,
  /** The engine is at its limit; a later try can succeed. */
  BUSY,
  /** The caller withdrew the request. */
  CANCELLED
}
