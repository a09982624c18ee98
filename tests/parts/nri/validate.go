//go:build !old

package main

import (
	"context"

	"github.com/containerd/nri/pkg/api"
)

// Older versions of the library have no validation.
func (p *plugin) ValidateContainerAdjustment(_ context.Context, r *api.ValidateContainerAdjustmentRequest) error {
	_, err := p.event("ValidateContainerAdjustment", r.GetPod(), r.GetContainer(), raw(r))
	return err
}
