package dev.blockreel.checkpoint;

/**
 * A storage that a pickle mentions.
 *
 * @param key its name in the file
 * @param type element type; null when it is one that this engine does not read
 * @param elements its declared length
 * @param base index at which this view of it begins; 0 but in very old files
 */
record StorageRef(String key, ElementType type, long elements, long base) {}
