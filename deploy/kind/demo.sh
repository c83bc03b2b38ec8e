#!/usr/bin/env bash
# Runs the example shop, 270 types and 1,000 customers, against the example API in the cluster. Run `make kind-up` first.
set -euo pipefail
cd "$(dirname "$0")/../.."
kubectl config use-context kind-taskqueue

kubectl -n shop apply --server-side -f deploy/kind/api.yaml
# A few types call the API by its address on a laptop.
sed -s '$a---' examples/shop/*.yaml | sed 's|http://127.0.0.1:8099|http://shop-api:8099|' |
  kubectl -n shop apply --server-side -f -
users=$(mktemp)
trap 'rm "$users"' EXIT
.venv/bin/python examples/shop/make_users.py --users 1000 --out "$users"
kubectl -n shop apply --server-side -f - <"$users"
helm -n shop test taskqueue
kubectl -n shop get tt,hpa
kubectl -n shop rollout status deployment shop-api
kubectl -n shop exec deploy/shop-api -- python -c \
  "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8099/-/stats').read().decode())"
