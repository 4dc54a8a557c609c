package contract

import "go.temporal.io/sdk/temporal"

// Search attributes: for operators in Temporal's UI, never personal data.
var (
	AttrState    = temporal.NewSearchAttributeKeyKeyword("EscalationState")
	AttrService  = temporal.NewSearchAttributeKeyKeyword("EscalationService")
	AttrPriority = temporal.NewSearchAttributeKeyKeyword("EscalationPriority")
	AttrUnit     = temporal.NewSearchAttributeKeyKeyword("EscalationUnit")
	AttrTier     = temporal.NewSearchAttributeKeyInt64("EscalationTier")
)
