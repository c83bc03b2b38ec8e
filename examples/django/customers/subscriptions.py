"""Customers in the task queue: as the database has them."""

import os

import taskqueue
from customers.models import Customer
from taskqueue import Subscription, UserSubscription

client = taskqueue.SyncClient.open(os.environ["TASKQUEUE_REDIS_URL"])  # connected at its first call


def wanted(customer: Customer) -> UserSubscription:
    return UserSubscription(customer.name, (Subscription("sync-orders", {"region": customer.region}),))


def send(name: str) -> None:
    """Send a customer, as the database has it by now."""
    customer = Customer.objects.filter(name=name).first()
    if customer:
        client.replace_user(name, wanted(customer).tasks)
    else:
        client.remove_user(name)


def resync() -> taskqueue.Resync:
    """Send all customers, and remove the users of others; customers that are as they should be are not written."""
    return client.put_users(map(wanted, Customer.objects.iterator()), prune=True)
