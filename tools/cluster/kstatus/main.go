// kstatus reads a List of objects as JSON and prints, for each, what the library of that name (which Flux waits by)
// makes of it: a line of JSON with kind, name, status and message.
package main

import (
	"encoding/json"
	"log"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

func main() {
	log.SetFlags(0)
	var list unstructured.UnstructuredList
	if err := json.NewDecoder(os.Stdin).Decode(&list); err != nil {
		log.Fatal(err)
	}
	lines := json.NewEncoder(os.Stdout)
	for i := range list.Items {
		object := &list.Items[i]
		found, err := status.Compute(object)
		if err != nil {
			log.Fatal(err)
		}
		line := map[string]string{
			"kind":    object.GetKind(),
			"name":    object.GetName(),
			"status":  found.Status.String(),
			"message": found.Message,
		}
		if err := lines.Encode(line); err != nil {
			log.Fatal(err)
		}
	}
}
