"""Sources: where manifests come from, apart from Kubernetes, which is the operator's.

`scan` finds files, `bounded_file` reads one, within `limits`. It becomes documents with places (`yaml_documents`,
`json_documents`), documents become values or faults (`manifest_file`), files become what is in force (`folder`).
An import (`users_file`) is read line by line (`lines`, and for CSV `csv_records`), and its rows become users
(`user_rows`, `csv_users`). `encoding` names files that are no text in UTF-8.
Reads files and nothing else; of taskqueue it may import the models. A fault is a value with a place, never an
exception: one bad file must not keep the others from being read.
"""
