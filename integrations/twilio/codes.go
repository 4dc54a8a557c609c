package twilio

import "github.com/belayhq/belay/core/page"

type meaning struct {
	class page.Class
	words string
}

// codes is what we make of Twilio's errors. Source of the meanings: Twilio's "Error and Warning Dictionary",
// www.twilio.com/docs/api/errors/<code>. The class is our judgement under one question: will the same message by the
// same way arrive within a minute or two if it is sent again? What is not listed is Dead: the next method is always
// safer than hope.
var codes = map[string]meaning{
	// Account and credentials ("REST API: Authentication"). Trouble of the administrator, and no reason to wait.
	"10001": {page.Dead, "the Twilio account is not active"},
	"10002": {page.Dead, "a trial account cannot do this"},
	"10004": {page.Transient, "too many calls at once for this account"},
	"20001": {page.Dead, "Twilio does not understand the request"},
	"20003": {page.Dead, "Twilio does not accept our credentials"},
	"20005": {page.Dead, "the Twilio account is not active"},
	"20006": {page.Dead, "Twilio denies access"},
	"20008": {page.Dead, "test credentials cannot do this"},
	"20403": {page.Dead, "Twilio denies access"},
	"20404": {page.Dead, "Twilio does not know the account"},
	"20409": {page.Transient, "another request was in the way"},
	"20429": {page.Transient, "too many requests"},
	"20500": {page.Transient, "Twilio had an internal error"},
	"20503": {page.Transient, "Twilio is unavailable"},

	// Calls that are refused at once ("Voice: REST API errors").
	"21201": {page.Dead, "no number to call"},
	"21205": {page.Dead, "the callback address is not valid"},
	"21210": {page.Dead, "the caller's number is not verified"},
	"21211": {page.Dead, "not a valid phone number"},
	"21212": {page.Dead, "the sender is not a valid phone number"},
	"21213": {page.Dead, "no number to call from"},
	"21214": {page.Dead, "the number cannot be reached"},
	"21215": {page.Dead, "calls to this country are not enabled (geographic permissions)"},
	"21216": {page.Dead, "calls to this number are blocked by Twilio"},
	"21217": {page.Dead, "not a valid phone number"},
	"21219": {page.Dead, "a trial account may call verified numbers only"},

	// Messages that are refused at once ("Messaging: REST API errors").
	"21408": {page.Dead, "SMS to this country is not enabled (geographic permissions)"},
	"21601": {page.Dead, "the sender cannot send SMS"},
	"21602": {page.Dead, "a message needs words"},
	"21603": {page.Dead, "no sender"},
	"21604": {page.Dead, "no number to send to"},
	"21606": {page.Dead, "the sender is not ours or cannot send SMS"},
	"21608": {page.Dead, "an account without full registration may text verified numbers only"},
	"21609": {page.Dead, "the callback address is not valid"},
	"21610": {page.Barred, "the person replied STOP"},
	"21611": {page.Transient, "the sender's queue is full"},
	"21612": {page.Dead, "this sender cannot reach this number"},
	"21614": {page.Dead, "not a mobile number"},
	"21617": {page.Dead, "the message is too long"},
	"21635": {page.Dead, "a landline cannot receive SMS"},
	"21659": {page.Dead, "the sender is not a Twilio number"},
	"21660": {page.Dead, "the sender belongs to another account"},
	"21661": {page.Dead, "the sender cannot send SMS"},
	"21703": {page.Dead, "the messaging service has no sender for this number"},
	"21704": {page.Dead, "the messaging service has no numbers"},
	"21705": {page.Dead, "the messaging service is not valid"},

	// Messages that were taken and did not arrive ("Messaging: delivery errors").
	"30001": {page.Transient, "the sender's queue overflowed"},
	"30002": {page.Dead, "the account was suspended"},
	"30003": {page.Dead, "the phone is off or out of reach"},
	"30004": {page.Dead, "blocked by the recipient or the carrier"},
	"30005": {page.Dead, "the number is unknown or no longer in use"},
	"30006": {page.Dead, "a landline, or a carrier that cannot be reached"},
	"30007": {page.Dead, "filtered by the carrier"},
	"30008": {page.Transient, "unknown error at the carrier"},
	"30009": {page.Transient, "a part of the message was lost"},
	"30010": {page.Dead, "the price is above the allowed maximum"},
	"30011": {page.Dead, "MMS is not supported there"},
	"30017": {page.Transient, "the carrier's network is congested"},
	"30018": {page.Dead, "the carrier wants the sender registered first"},
	"30019": {page.Dead, "the message is too large for the carrier"},
	"30022": {page.Transient, "too fast for the registered campaign (US A2P 10DLC)"},
	"30023": {page.Dead, "the carrier's daily limit is used up (US A2P 10DLC)"},
	"30024": {page.Dead, "the carrier does not know the sender"},
	"30027": {page.Dead, "the carrier's daily limit is used up (US A2P 10DLC)"},
	"30032": {page.Dead, "the toll-free sender is not verified"},
	"30033": {page.Dead, "the campaign is suspended (US A2P 10DLC)"},
	"30034": {page.Dead, "the sender is not registered (US A2P 10DLC)"},
	"30035": {page.Dead, "the sender's registration is not in effect yet (US A2P 10DLC)"},
	"30036": {page.Dead, "it waited too long in the queue"},
	"14107": {page.Transient, "too many messages between two numbers"},

	// Calls that were taken and did not get through ("Voice: Dial" and "SIP").
	"13223": {page.Dead, "not a valid phone number"},
	"13224": {page.Dead, "the number is not valid, or no carrier can reach it"},
	"13225": {page.Dead, "calls to this number are forbidden"},
	"13226": {page.Dead, "no such country code"},
	"13227": {page.Dead, "calls to this country are not enabled (geographic permissions)"},
	"32009": {page.Dead, "the phone is not registered"},
	"32011": {page.Transient, "the other side's server did not answer"},
	"32101": {page.Dead, "not a valid phone number"},
	"32204": {page.Dead, "the caller's number is not verified"},
	"32224": {page.Dead, "the call was blocked for regulatory reasons"},
}

// ours are the codes of dead ends that lie with our account, our sender or our registration: the same words would
// reach the same phone by somebody else.
var ours = []string{
	"10001", "10002", "20001", "20003", "20005", "20006", "20008", "20403", "20404",
	"21205", "21210", "21212", "21213", "21215", "21219",
	"21408", "21601", "21603", "21606", "21608", "21609", "21612", "21659", "21660", "21661", "21703", "21704", "21705",
	"30002", "30007", "30010", "30018", "30023", "30024", "30027", "30032", "30033", "30034", "30035", "30036",
	"13227", "32204",
}
