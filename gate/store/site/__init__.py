"""What belongs to the gate and to those who run it: accounts, schedules, webhooks, the drawn zone."""
