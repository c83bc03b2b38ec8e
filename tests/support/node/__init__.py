"""Real nodes with containerd and kubelet in network namespaces, images, releases of the chart, KEDA."""
