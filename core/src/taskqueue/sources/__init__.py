"""Sources: manifests and users from files. Objects of Kubernetes are the operator's.

    folder             a folder of manifests that is followed
    scan               the manifest files of a folder, and their changes
    in_force           the state in force of each file
    manifest_file      a file becomes values and faults
    declaration        a value, its key and its place
    document           a document, with the places of its parts
    yaml_documents     documents of YAML
    json_documents     documents of JSON
    desired            the result: desired types, users and limits, faults, unresolved names
    limit_conflicts    conflicts between limits, types and users
    unresolved_limits  limits that are named and not declared
    removals           the guard against many removals at once
    not_offered        intervals that are named and not offered
    users_file         the file of an import, user by user
    ndjson_users       lines of an import become users
    user_rows          a row of an import becomes a user
    csv_users          users in CSV
    csv_records        records of CSV
    lines              bounded lines of a file or a pipe
    bounded_file       a regular file of bounded size
    encoding           refusals of files that are not UTF-8 text
    bounds             the bounds of all files

May import `taskqueue.models`, `taskqueue.plan`, `taskqueue.text` and `taskqueue.errors`. A fault is a value with a
place, not an exception, so that one bad file does not keep other files from being read.
"""
