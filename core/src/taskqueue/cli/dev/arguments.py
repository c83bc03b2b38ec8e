"""A parser of arguments that takes no half of an option's name, and quotes no URL."""

import argparse
from typing import Any, NoReturn

from taskqueue.text.redaction import redact_usage


class Arguments(argparse.ArgumentParser):
    """The arguments of `taskqueue dev` and `taskqueue example-api`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        super().error(redact_usage(message))
