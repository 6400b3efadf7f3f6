package bbb

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
)

// node is one element of an answer. It always has a closing tag: a client
// that iterates over an empty list must find the list.
type node struct {
	name string
	text string
	in   []node
}

func leaf(name, text string) node        { return node{name: name, text: text} }
func tree(name string, in ...node) node  { return node{name: name, in: in} }
func number(name string, n int64) node   { return leaf(name, strconv.FormatInt(n, 10)) }
func truth(name string, value bool) node { return leaf(name, strconv.FormatBool(value)) }
func succeeded(in ...node) []node        { return append([]node{leaf("returncode", "SUCCESS")}, in...) }
func message(key, text string) []node    { return []node{leaf("messageKey", key), leaf("message", text)} }
func withMessage(key, text string, in ...node) []node {
	return succeeded(append(in, message(key, text)...)...)
}

func (n *node) write(b *bytes.Buffer) {
	b.WriteString("<" + n.name + ">")
	escape(b, n.text)
	for i := range n.in {
		n.in[i].write(b)
	}
	b.WriteString("</" + n.name + ">")
}

// escape writes text. What XML cannot hold becomes U+FFFD.
func escape(b *bytes.Buffer, text string) {
	_ = xml.EscapeText(b, []byte(text)) // a Buffer does not fail
}

// document is the whole answer.
func document(in []node) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	root := tree("response", in...)
	root.write(&b)
	b.WriteByte('\n')
	return b.Bytes()
}

// refusal is the answer to a call that failed.
func refusal(f *failure, many failures) []byte {
	in := append([]node{leaf("returncode", "FAILED")}, message(f.key, f.text)...)
	if len(many) < 2 {
		return document(in)
	}
	var b bytes.Buffer
	for _, f := range many {
		b.WriteString(`<error key="`)
		escape(&b, f.key)
		b.WriteString(`" message="`)
		escape(&b, f.text)
		b.WriteString(`"/>`)
	}
	doc := string(document(append(in, leaf("errors", ""))))
	return []byte(strings.Replace(doc, "<errors></errors>", "<errors>"+b.String()+"</errors>", 1))
}

// metaName reports whether a name can be an element of the metadata.
func metaName(name string) bool {
	for i, r := range []byte(name) {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || !(r >= '0' && r <= '9' || r == '-' || r == '.')) {
			return false
		}
	}
	return name != "" && len(name) <= 128
}
