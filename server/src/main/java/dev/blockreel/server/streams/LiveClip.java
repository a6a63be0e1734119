package dev.blockreel.server.streams;

/**
 * The live streams of one clip: fragmented MP4 always, JPEG images once somebody wants them. Made
 * with the job, so that viewers can come before the first frame.
 */
public final class LiveClip {
  private final LiveStream fragments = new LiveStream();
  private final LiveStream images = new LiveStream();
  private volatile boolean imagesWanted;
  private volatile String mimeType;

  /** Fragmented MP4: an init chunk, then a fragment a frame. */
  public LiveStream fragments() {
    return fragments;
  }

  /** JPEG, a chunk a frame. From the first call on images are made, those of past frames too. */
  public LiveStream images() {
    imagesWanted = true;
    return images;
  }

  boolean imagesWanted() {
    return imagesWanted;
  }

  /** The stream of images, without asking for any. */
  LiveStream imagesAsTheyAre() {
    return images;
  }

  /** The fragments' type with their codec, as MediaSource wants it; null before the init chunk. */
  public String mimeType() {
    return mimeType;
  }

  void mimeType(String type) {
    mimeType = type;
  }

  /** Nothing more comes. */
  public void end() {
    fragments.end();
    images.end();
  }
}
