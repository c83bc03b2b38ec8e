"""The CustomResourceDefinitions, generated from the models: `make generate` writes crds/.

    structural    pydantic's JSON schema -> the subset of it that Kubernetes takes
    rule          a rule in CEL, and how rules get to their fields
    forms         rules for text that has a form: durations, time zones, quantities, URLs, names
    cron_rules    rules for a cron line
    rules         which field has which rules
    status        what the operator writes back
    definition    all of it together, with printer columns and selectable fields

The API server refuses a bad manifest when it is applied, in the words of a rule. What neither a schema nor CEL
can know becomes a condition of the object: a date of cron that only a calendar shows to be none (`0 0 LW * */7`), a
window longer than the time between two runs, and params that take more than 1 KiB, or 64 KiB together, or are no JSON
to msgspec. docs/manifests.md lists all of it.

Needs Kubernetes 1.30 or newer; before 1.31 nobody can select objects by their own fields.

May import `taskqueue.models` and nothing else of taskqueue.
"""
