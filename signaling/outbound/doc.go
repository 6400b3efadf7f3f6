// Package outbound makes the requests that this server makes to others: to
// webhooks, for documents, to call back.
//
// Whom it calls is often somebody else's choice, so it calls nobody inside:
// no private, loopback, link-local, shared, multicast or otherwise special
// address, unless the administrator allowed its network. The check is made on
// the address that is dialled, so a name cannot mean one address when it is
// looked at and another when it is used. Redirects are not followed, proxies
// of the environment not used, and time and size have limits.
package outbound
