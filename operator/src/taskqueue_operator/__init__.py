"""The operator: task types and subscriptions as Kubernetes objects.

It adds two things to the scheduler, and no scheduling of its own: a source of manifests (the objects of one
namespace) and a writer of status. Data flows one way:

    watch (kopf) and list -> ObjectTable -> KubernetesSource -> the scheduler's Keeper -> store
                                  |                                        |
                                  +----------> status (pure) <-------------+ -> StatusWriter

Any number of replicas run warm: each of them watches and ticks, and the one that holds the Lease publishes and
writes status. The Lease is never needed for correctness: the store refuses a leader that was replaced.

`crd` generates the CustomResourceDefinitions of both kinds from the models; the operator does not need it to run.
"""
