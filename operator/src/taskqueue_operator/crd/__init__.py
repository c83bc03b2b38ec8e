"""The CustomResourceDefinitions, generated from the models: `make generate` writes crds/.

    structural       pydantic's JSON schema -> a structural schema, the subset that Kubernetes accepts
    rule             a rule in CEL, and the addition of rules to fields
    forms            rules for values of a certain form: durations, rates, time zones, quantities, URLs, names
    cron_rules       rules for a cron line
    exclusion_rules  rules for exclusions
    rules            the rules of each field
    status           the schema of the statuses
    definition       the complete definitions, with printer columns and selectable fields

The API server refuses a bad manifest when it is applied, with the message of a rule. Faults that neither a schema nor
CEL can find become conditions of the object: cron dates that a calendar never has (`0 0 LW * */7`), a window longer
than the time between two runs, and params of more than 1 KiB, of more than 64 KiB together, or that msgspec cannot
encode as JSON. docs/manifests.md lists all of them.

Needs Kubernetes 1.30 or newer; selection of objects by their own fields needs 1.31.

May import `taskqueue.models` and nothing else of taskqueue.
"""
