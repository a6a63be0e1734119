/**
 * The command line: arguments enter, files and one-line messages leave. A command is a class that
 * parses, makes a record, calls the engine and prints; nothing is computed here. Failures of the
 * engine become one line and an exit code in {@link dev.blockreel.cli.Main}. The only package that
 * knows picocli. Read {@code Main} first, then any command.
 */
package dev.blockreel.cli;
