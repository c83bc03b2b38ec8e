import json

from django.db import IntegrityError, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST

from customers.models import Customer
from customers.subscriptions import send


@require_http_methods(["POST", "DELETE"])
def customer(request: HttpRequest, name: str) -> JsonResponse:
    """Register a customer, or remove one. The task queue hears of it once the transaction is committed."""
    try:
        with transaction.atomic():
            if request.method == "POST":
                Customer.objects.update_or_create(name=name, defaults={"region": request.POST["region"]})
            else:
                Customer.objects.filter(name=name).delete()
            transaction.on_commit(lambda: send(name), robust=True)  # an error is logged, the answer stays
    except IntegrityError:
        return JsonResponse({"error": "region must be eu or us"}, status=400)
    return JsonResponse({"customer": name})


@require_POST
def sync_orders(request: HttpRequest) -> JsonResponse:
    """Do a job: an answer of 2xx means done, any other is retried or discarded."""
    user, params = request.headers["X-Taskqueue-User"], json.loads(request.body)
    print(f"sync orders of {user} in {params['region']}", flush=True)
    return JsonResponse({})


urlpatterns = [path("customers/<slug:name>", customer), path("jobs/sync-orders", sync_orders)]
