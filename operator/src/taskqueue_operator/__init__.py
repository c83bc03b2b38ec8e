"""The operator: task types, limits and subscriptions as Kubernetes objects.

It adds a source of manifests (the objects of one namespace) and a writer of statuses to the scheduler. Data flows one
way:

    watch (kopf) and list -> ObjectTable -> KubernetesSource -> the scheduler's Keeper -> store
                                  |                                        |
                                  +----------> status (pure) <-------------+ -> StatusWriter

Any number of replicas watch and tick; the leader, which holds the Lease, also publishes and writes statuses.
Correctness does not depend on the Lease: the store refuses a leader that was replaced.

    service           the process: its parts, probes, exit codes
    settings          the settings
    objects           objects as values; pure
    object_table      the table of all objects, which yields the desired state; pure
    limit_conflicts   conflicts of limits between objects, and the objects that are refused; pure
    ownership         the owner of a user that several objects declare; pure
    source            the objects as a source of manifests
    watcher           the watches of all kinds, restarted after a silence
    kopf_watch        a package: kopf in a thread, behind start and stop
    leader            leader election by a Lease
    lease_record      the record of a Lease
    stored_state      the declarations that the store has in force
    status_writer     the writer of statuses, paced
    status            the status of an object; pure
    condition         a condition, and messages of bounded length; pure
    conditions        the conditions of task types and users; pure
    limit_conditions  the conditions of limits, and limits that are not declared; pure
    stop_conditions   the conditions of users whom the circuit breaker or a pause stops; pure
    stopped           what is stopped in the store, as a value; pure
    stopped_reader    the reader of what is stopped
    status_inputs     the inputs of statuses, as a value
    input_reader      the reader of these inputs
    events            Kubernetes Events about task types and users
    api               the calls of one namespace
    pages             lists in pages that fit the memory
    items             decoding of one object
    connection        the connection to the API server, and its errors
    access            a package: kubeconfigs, credentials, credential plugins
    memory_limit      the memory limit of the process
    scaling           the figures for an autoscaler
    work_metrics      metrics of the work in the store
    metrics           metrics of the operator
    external_metrics  a package: the aggregated API external.metrics.k8s.io
    crd               a package: the CustomResourceDefinitions, generated from the models; not used at run time

May import `taskqueue.scheduler`, `taskqueue.process`, `taskqueue.sources`, `taskqueue.store`, `taskqueue.plan`,
`taskqueue.models`, `taskqueue.text`, `taskqueue.command_line` and, in `__main__`, `taskqueue_entry`.
"""
