// Prints the effective user id: its image has it setuid root, so a user other than root sees whether
// no_new_privileges is in force.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Printf("Effective uid: %d\n", os.Geteuid())
}
