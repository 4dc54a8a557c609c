package contract

import "go.temporal.io/sdk/temporal"

// Search attributes: for operators in Temporal's UI, never personal data.
var (
	AttrState    = temporal.NewSearchAttributeKeyKeyword("EscalationState")
	AttrService  = temporal.NewSearchAttributeKeyKeyword("EscalationService")
	AttrPriority = temporal.NewSearchAttributeKeyKeyword("EscalationPriority")
	AttrUnit     = temporal.NewSearchAttributeKeyKeyword("EscalationUnit")
	// AttrConversation is a keyed hash of service and dedup key: with it an open escalation is found without our records.
	AttrConversation = temporal.NewSearchAttributeKeyKeyword("EscalationConversation")
	AttrTier         = temporal.NewSearchAttributeKeyInt64("EscalationTier")
)
