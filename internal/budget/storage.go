package main

import (
	"context"
	"errors"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/jamesTait-jt/goflow/adapters/cost"
	"github.com/jamesTait-jt/goflow/goflow"
	"github.com/jamesTait-jt/goflow/internal/figures"
)

// storage adds what the records cost that are kept: by the month, and for as long as
// a record is kept by default. It is paid besides the requests.
func (p *place) storage(ctx context.Context, l *figures.List) error {
	const (
		perItem  = 100 // bytes of DynamoDB's own: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
		gigabyte = 1 << 30
		month    = 30 * 24 // hours
	)
	page, err := p.tables.Scan(ctx, &awsdynamodb.ScanInput{TableName: &p.Table, FilterExpression: new("attribute_exists(g)")})
	if err != nil {
		return err
	}
	if len(page.Items) == 0 {
		return errors.New("the table has no records")
	}
	size := 0
	for _, item := range page.Items {
		size += cost.ItemSize(item) + perItem
	}
	bytes := float64(size) / float64(len(page.Items))
	monthly := bytes * 1e6 / gigabyte * cost.USEast1().StorageGBMonth.Dollars
	l.Add(storage, "bytes_per_record", bytes)
	l.Add(storage, "dollars_per_million_a_month", monthly)
	l.Add(storage, "dollars_per_million_as_kept", monthly*goflow.DefaultRecordTTL.Hours()/month)
	return nil
}
