"""The schema of the status of all kinds. A condition has the fields of Kubernetes' own API."""

from taskqueue_operator.crd.structural import Schema

_CONDITION: Schema = {
    "description": "One aspect of the state of the object.",
    "type": "object",
    "required": ["type", "status", "reason", "message", "lastTransitionTime"],
    "properties": {
        "type": {
            "description": "Name of the aspect, in CamelCase.",
            "type": "string",
            "maxLength": 316,
        },
        "status": {
            "description": "Whether the condition holds.",
            "type": "string",
            "enum": ["True", "False", "Unknown"],
        },
        "observedGeneration": {
            "description": "The metadata.generation that was evaluated. If it is lower than the object's, "
            "the condition is out of date.",
            "type": "integer",
            "format": "int64",
            "minimum": 0,
        },
        "lastTransitionTime": {
            "description": "Time of the last change of status.",
            "type": "string",
            "format": "date-time",
        },
        "reason": {
            "description": "Cause of the status, one word for programs.",
            "type": "string",
            "maxLength": 1_024,
        },
        "message": {
            "description": "Cause of the status and remedy, a sentence for people.",
            "type": "string",
            "maxLength": 32_768,
        },
    },
}

#: The status of an object before the operator first writes one, so that `kubectl wait` does not take the object for
#: ready. The API server shows it as the default; the operator always writes both conditions.
_PENDING: Schema = {
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
    """Return the schema of a status. conditions: their description. of_kind: further fields."""
    return {
        "description": "State of the object, written by the operator alone.",
        "type": "object",
        "default": _PENDING,
        "properties": {
            "observedGeneration": {
                "description": "The metadata.generation that this status describes.",
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
    "Accepted (the manifest is valid and fits the limits that it names), ResolvedRefs (every limit in limits exists, "
    "and every limit around these; jobs wait for a missing one), HandlerRegistered (a worker has its function), "
    "Feasible (the demand of all types in a day fits under the limit), Ready (the type is accepted and in force: jobs "
    "are emitted, or the type is suspended).",
    {
        "subscriptions": {
            "description": "Number of users that subscribe to the type.",
            "type": "integer",
            "format": "int64",
            "minimum": 0,
        },
        "suspendedByBreaker": {
            "description": "Number of subscriptions that the circuit breaker suspended (suspendAfter).",
            "type": "integer",
            "format": "int64",
            "minimum": 0,
        },
        "window": {
            "description": "The window in effect, such as 5m: spec.window or its default.",
            "type": "string",
        },
        "next": {
            "description": "Start of the next period in UTC, such as 2026-01-31T02:00:00Z. Only if periods are an hour "
            "or longer.",
            "type": "string",
        },
    },
)
USER_SUBSCRIPTION_STATUS = _status(
    "Accepted (the object is valid, owns its user and fits its limits), ResolvedRefs (every type in tasks and every "
    "limit in limits exists, and types offer the intervals that tasks name; tasks of existing types run in any case), "
    "Ready (the subscription is accepted and in force: jobs are emitted, or it is suspended or paused), "
    "SuspendedByBreaker (the circuit breaker suspended tasks; only users of whom it ever did have this one).",
    {
        "userId": {
            "description": "Id of the user in effect: spec.userId or the object's name.",
            "type": "string",
        },
        "taskCount": {
            "description": "Number of tasks of the user.",
            "type": "integer",
            "format": "int64",
            "minimum": 0,
        },
    },
)
RATE_LIMIT_STATUS = _status(
    "Accepted (the manifest is valid and fits the objects that name the limit), Ready (the limit is accepted and in "
    "force, and so is the limit that it is within).",
    {},
)
