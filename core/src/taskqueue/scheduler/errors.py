"""What can go wrong for a scheduler. Each docstring is the message a person sees."""


class StoreReplacedError(Exception):
    """The store is not the one that was published to: it was emptied or replaced."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class StoreRevertedError(Exception):
    """The store went back to an earlier state, by a failover or a backup: all is compared and published again."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)
