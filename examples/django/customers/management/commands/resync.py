from typing import Any

from django.core.management.base import BaseCommand, CommandError

from customers.subscriptions import resync


class Command(BaseCommand):
    help = "Send all customers to the task queue."

    def handle(self, **_: Any) -> str:
        done = resync()
        if done.refused:
            raise CommandError("; ".join(f"{name}: {error}" for name, error in done.refused.items()))
        return f"{done.created} created, {done.changed} changed, {done.removed} removed"
