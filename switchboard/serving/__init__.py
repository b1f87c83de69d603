"""What every HTTP service of ours does alike: errors as problems, who the sidecar is, and ending well."""
