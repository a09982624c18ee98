// Package v20170312 stands in for one cloud's SDK, which no module proxy serves to everybody: flanneld's main package
// imports its backend for that cloud, which the tests never choose. Every call fails; nothing is emulated.
package v20170312

import "errors"

var errNone = errors.New("built without this cloud's SDK")

type Filter struct {
	Name   *string
	Values []*string
}

type Route struct {
	RouteId              *uint64
	DestinationCidrBlock *string
	GatewayType          *string
	GatewayId            *string
	RouteType            *string
	Enabled              *bool
}

type RouteTable struct {
	RouteTableId *string
	RouteSet     []*Route
}

type DescribeRouteTablesRequest struct{ Filters []*Filter }

type DescribeRouteTablesResponse struct {
	Response *struct{ RouteTableSet []*RouteTable }
}

type ChangeRoutesRequest struct {
	RouteTableId *string
	Routes       []*Route
}

type Client struct{}

func NewClientWithSecretId(_, _, _ string) (*Client, error) { return nil, errNone }

func NewDescribeRouteTablesRequest() *DescribeRouteTablesRequest { return &DescribeRouteTablesRequest{} }

func NewDeleteRoutesRequest() *ChangeRoutesRequest { return &ChangeRoutesRequest{} }

func NewCreateRoutesRequest() *ChangeRoutesRequest { return &ChangeRoutesRequest{} }

func (*Client) DescribeRouteTables(*DescribeRouteTablesRequest) (*DescribeRouteTablesResponse, error) {
	return nil, errNone
}

func (*Client) DeleteRoutes(*ChangeRoutesRequest) (any, error) { return nil, errNone }

func (*Client) CreateRoutes(*ChangeRoutesRequest) (any, error) { return nil, errNone }
