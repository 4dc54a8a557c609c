// Package service is what Belay does for the people and systems that call it: one file per verb. It decides nothing
// about escalations (core does) and knows no transport and no database: it uses the ports of this package.
package service
