package main

import (
	"math"
	"testing"
	"time"
)

// By hand: two deletions a second, each with two events, and CloudFront does 15 paths in 10 s.
func TestDeletionsOfAnOpenHour(t *testing.T) {
	o := openings()[0]
	paths, tries := o.invalidated()
	if want := 15.0*360 + 2*2*3600; paths != want {
		t.Errorf("%v paths, want %v", paths, want)
	}
	// Each comes back after 22.5 s twice, then after three quarters of its age until that is 15 min, then after 11.25 min.
	early := 2 + math.Ceil(math.Log(15*60/45.0)/math.Log(1.75))
	late := (24*60 - 15) / 11.25
	if got := triesOf(24 * time.Hour); math.Abs(got-early-late) > 2 {
		t.Errorf("%v tries in a day, want about %v", got, early+late)
	}
	if want := 2 * 2 * 3600 * triesOf(24*time.Hour); tries != want {
		t.Errorf("%v tries, want %v", tries, want)
	}
	o.deletes = 1000
	if paths, _ := o.invalidated(); paths != 25*15*360 {
		t.Errorf("without a limit %v paths in 25 hours, want %v", paths, 25*15*360)
	}
	if got, want := o.deletions(), o.rate*3600/2; got != want {
		t.Errorf("without a limit %v deletions, want %v: an upload has to be made first", got, want)
	}
}

func TestNoStricterSettingCostsMoreThanTheDefaults(t *testing.T) {
	worst, _ := openings()[0].total()
	for _, o := range openings()[1:] {
		if hour, _ := o.total(); hour > worst && o.deletes <= deleteRate {
			t.Errorf("%s: $%.2f, and $%.2f by default", o.name, hour, worst)
		}
		if o.rate == 0 && o.cost(deletionsService) != 0 {
			t.Errorf("%s: strangers delete", o.name)
		}
	}
}

func TestWorkersBoundTheTriesOfADay(t *testing.T) {
	o := openings()[0]
	o.workers, o.deletes = 2, 20
	if _, tries := o.invalidated(); tries != 2*86_400*10 {
		t.Errorf("%v tries", tries)
	}
}

func TestSumIsOfAllServices(t *testing.T) {
	o := openings()[0]
	sum, seen := 0.0, make(map[string]bool)
	for _, e := range o.hour() {
		if !seen[e.service] {
			seen[e.service] = true
			sum += o.cost(e.service)
		}
	}
	if hour, _ := o.total(); math.Abs(hour-sum) > 1e-6 {
		t.Errorf("$%.2f, and the services $%.2f", hour, sum)
	}
}
