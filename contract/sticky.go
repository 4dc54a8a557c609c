package contract

// Sticky is the queue by which the engine hands one worker the workflows that it has in memory.
type Sticky struct {
	Queue string
	// Deployment and Build of a versioned worker.
	Deployment, Build string
}
