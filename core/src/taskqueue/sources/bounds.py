"""The bounds of all files that are read. docs/cli.md has the table for people."""

#: A file of manifests or settings; the API server takes 1.5 MiB an object.
MAX_FILE_BYTES = 16 * 1024 * 1024
#: Values of one document: mappings, lists and scalars. Each takes up to 400 bytes of memory while it is read.
MAX_VALUES = 500_000
#: Documents of one file, empty ones included.
MAX_DOCUMENTS = 250_000
#: Values that the aliases of one document stand for; a few hundred bytes of aliases can stand for billions.
MAX_ALIASED_VALUES = 100_000
#: Faults listed of one file; a last one says that there are more.
MAX_FAULTS = 1_000
#: Depth of folders below the given path.
MAX_FOLDERS_DEEP = 100
#: Files and folders below the given path, manifests or not.
MAX_ENTRIES = 250_000
#: A row of an import: a line of .ndjson, or the lines of a row of .csv.
MAX_ROW_BYTES = 1_048_576
#: Mappings of a row, or of a body of the API: looking for a key that is there twice takes a microsecond a mapping.
MAX_MAPPINGS = 30_000
