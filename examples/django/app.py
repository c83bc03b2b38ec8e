"""A Django app in one file, in which customers subscribe to a task type and which does its work."""

import json
import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.urls import path

import taskqueue


async def subscribe(request: HttpRequest, customer: str) -> JsonResponse:
    params = {"region": request.POST["region"]}
    async with taskqueue.Client.open(os.environ["TASKQUEUE_REDIS_URL"]) as client:
        await client.subscribe(customer, "sync-orders", params)
    return JsonResponse({customer: params}, status=201)


def sync_orders(request: HttpRequest) -> JsonResponse:
    """Do a job: an answer of 2xx means done, any other is retried or discarded."""
    customer, params = request.headers["X-Taskqueue-User"], json.loads(request.body)
    print(f"sync orders of {customer} in {params['region']}", flush=True)
    return JsonResponse({})


urlpatterns = [path("subscribe/<slug:customer>", subscribe), path("jobs/sync-orders", sync_orders)]

if __name__ == "__main__":
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY=os.urandom(16).hex())
    execute_from_command_line(sys.argv)
