#!/usr/bin/env bash
# Makes a cluster named taskqueue with the two images, the namespace shop and the chart. Run it again after a change.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^appVersion: //p' helm/taskqueue/Chart.yaml)

kind get clusters | grep -qx taskqueue || kind create cluster --config deploy/kind/cluster.yaml
kubectl config use-context kind-taskqueue
for target in operator worker; do
  image=localhost/taskqueue-$target:$version # no registry can publish an image under this name
  docker build --file deploy/docker/Dockerfile --target "$target" --tag "$image" .
  kind load docker-image --name taskqueue "$image"
done
kubectl get namespace shop >/dev/null 2>&1 || kubectl create namespace shop
kubectl -n shop create configmap shop-handlers --from-file=examples/shop/handlers.py --dry-run=client -o yaml |
  kubectl -n shop apply --server-side -f -
helm upgrade --install taskqueue helm/taskqueue --namespace shop --values deploy/kind/values.yaml --wait --timeout 5m
kubectl -n shop rollout restart deployment taskqueue-operator taskqueue-worker # tag and ConfigMap keep their names, so no apply restarts the pods
