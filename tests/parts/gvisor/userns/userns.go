// Package userns stands in for the module of that name, in the build of gVisor's shim for tests alone.
//
// The shim lowers its score for the OOM killer at its birth, and gives up where it is root and may not: the kernel wants
// CAP_SYS_RESOURCE for that, which a machine of tests may lack. A process in a user namespace is excused, so such a
// machine is told to be one. With the capability the answer is that of any node.
package userns

import (
	"os"
	"strconv"
	"strings"
)

const sysResource = 24 // capabilities(7), linux/capability.h

// RunningInUserNS tells whether this process lacks what root has otherwise.
func RunningInUserNS() bool {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	for _, line := range strings.Split(string(status), "\n") {
		if mask, found := strings.CutPrefix(line, "CapEff:\t"); found {
			capabilities, err := strconv.ParseUint(mask, 16, 64)
			return err == nil && capabilities&(1<<sysResource) == 0
		}
	}
	return false
}
