"""The status of both kinds: what the operator writes back. A condition is as in Kubernetes' own API."""

from taskqueue_operator.crd.structural import Schema

_CONDITION: Schema = {
    "description": "One thing that was found out about the object.",
    "type": "object",
    "required": ["type", "status", "reason", "message", "lastTransitionTime"],
    "properties": {
        "type": {
            "description": "What the condition is about, in CamelCase.",
            "type": "string",
            "maxLength": 316,
        },
        "status": {
            "description": "Whether it is so.",
            "type": "string",
            "enum": ["True", "False", "Unknown"],
        },
        "observedGeneration": {
            "description": "The metadata.generation that was looked at. If it is lower than the object's, "
            "the condition is out of date.",
            "type": "integer",
            "format": "int64",
            "minimum": 0,
        },
        "lastTransitionTime": {
            "description": "When status last changed.",
            "type": "string",
            "format": "date-time",
        },
        "reason": {
            "description": "One word for programs: why status is what it is.",
            "type": "string",
            "maxLength": 1_024,
        },
        "message": {
            "description": "A sentence for people: why status is what it is, and what to do about it.",
            "type": "string",
            "maxLength": 32_768,
        },
    },
}

#: What an object says that no operator has seen: whoever waits for it must not take it for ready. The API server shows
#: it in place of a status that was never written, and the operator always writes these two.
_NOT_SEEN: Schema = {
    "conditions": [
        {
            "type": condition,
            "status": "Unknown",
            "reason": "Pending",
            "message": "waiting for the operator",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }
        for condition in ("Accepted", "Ready")
    ]
}


def _status(conditions: str, of_kind: dict[str, Schema]) -> Schema:
    return {
        "description": "What the operator found and did. Written by the operator alone.",
        "type": "object",
        "default": _NOT_SEEN,
        "properties": {
            "observedGeneration": {
                "description": "The metadata.generation that this status is about.",
                "type": "integer",
                "format": "int64",
                "minimum": 0,
            },
            "conditions": {
                "description": conditions,
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
                "items": _CONDITION,
            },
            **of_kind,
        },
    }


TASK_TYPE_STATUS = _status(
    "Accepted (the manifest can be used), HandlerRegistered (a worker knows its function), Feasible (a day's "
    "demand of all types fits under the limit), Ready (it is accepted, and does what it says: jobs are emitted, or it "
    "is suspended).",
    {
        "subscriptions": {
            "description": "How many users subscribe to the type.",
            "type": "integer",
            "format": "int64",
            "minimum": 0,
        },
        "window": {
            "description": "The window in effect, such as 5m: spec.window or its default.",
            "type": "string",
        },
        "next": {
            "description": "When the next period begins, in UTC, such as 2026-01-31T02:00:00Z. Only where periods "
            "are an hour or longer.",
            "type": "string",
        },
    },
)
USER_SUBSCRIPTION_STATUS = _status(
    "Accepted (the user is this object's and nobody else's), ResolvedRefs (every type that tasks names is there; "
    "the others run all the same), Ready (it is accepted, and does what it says: jobs are emitted, or it is "
    "suspended).",
    {
        "userId": {
            "description": "The user's id in effect: spec.userId or the object's name.",
            "type": "string",
        },
        "taskCount": {
            "description": "How many tasks the user has.",
            "type": "integer",
            "format": "int64",
            "minimum": 0,
        },
    },
)
