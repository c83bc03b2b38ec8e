"""Sources: where manifests come from, apart from Kubernetes, which is the operator's.

A file becomes documents with places (`yaml_documents`, `json_documents`), documents become values or faults
(`manifest_file`), files become what is in force (`folder`). `users_file` reads the rows of an import.
Reads files and nothing else; of taskqueue it may import the models. A fault is a value with a place, never an
exception: one bad file must not keep the others from being read.
"""
